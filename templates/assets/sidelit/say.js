// What the other scripts share: to say what was done to those who do not see it, and to begin anew with each page.
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

    // Material may put another page in the place of this one without loading it, and then says so. Its page may have no
    // container.
    onPage(prepare) {
      let last;
      const turn = () => {
        const container = document.querySelector("#container");
        if (container !== last) prepare(last = container);
      };
      turn();
      window.document$?.subscribe(turn);
    },
  };
}
