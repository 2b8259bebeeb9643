// The site tree opens and closes without this. With it, Escape closes it, and it opens at the current page.
{
  const contents = document.querySelector(".contents");

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !contents.open) return;
    contents.open = false;
    contents.querySelector("summary").focus();
  });

  contents.addEventListener("toggle", () => {
    if (contents.open) contents.querySelector("[aria-current]")?.scrollIntoView({ block: "center" });
  });
}
