// An image opens as large as the window. Escape, Enter or a click closes it, and the focus is where it was.
{
  const dialog = document.createElement("dialog");
  dialog.className = "zoom";
  dialog.setAttribute("aria-label", "Image");
  document.body.append(dialog);
  dialog.addEventListener("click", () => dialog.close());

  function open(image) {
    const close = document.createElement("button");
    close.type = "button";
    close.setAttribute("aria-label", "Close the image");
    const large = image.cloneNode();
    for (const name of ["id", "width", "height", "style", "role", "tabindex", "title", "aria-label", "loading"])
      large.removeAttribute(name);
    close.append(large);
    dialog.replaceChildren(close);
    dialog.showModal();
  }

  function arm(image) {
    image.tabIndex = 0;
    image.setAttribute("role", "button");
    image.setAttribute("aria-label", image.alt ? `Enlarge: ${image.alt}` : "Enlarge the image");

    // Without words an image is decoration, which cannot be pressed.
    image.alt ||= "Image";
    image.addEventListener("click", () => open(image));
    image.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      open(image);
    });
  }

  sidelit.onPage((container) => container?.querySelectorAll(".docs img:not(a img)").forEach(arm));
}
