// Says what a script has done to those who do not see it.
{
  const status = document.createElement("p");
  status.className = "said";
  status.setAttribute("role", "status");
  document.body.append(status);

  // The same words again are news only if they went away in between.
  globalThis.sidelit = {
    say(text) {
      status.textContent = "";
      requestAnimationFrame(() => { status.textContent = text; });
    },
  };
}
