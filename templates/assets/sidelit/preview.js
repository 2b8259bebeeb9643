// What a name in the code means, beside it: the head of the section that its link leads to.
//
// It shows while a pointer rests on the name or the keyboard is at it, and for a finger when the name is pressed. From
// another page it is fetched; where a browser does not fetch, as from the disk, there is only the link.
{
  const DELAY = 350;
  const card = document.createElement("aside");
  const pages = new Map();
  let timer, shown;

  card.className = "preview";
  card.hidden = true;
  card.setAttribute("aria-label", "Definition");

  function pageOf(address) {
    const url = address.href.replace(/#.*/, "");
    if (url === location.href.replace(/#.*/, "")) return document;
    if (!pages.has(url)) {
      const fetched = fetch(url)
        .then((answer) => (answer.ok ? answer.text() : Promise.reject(new Error(answer.status))))
        .then((html) => new DOMParser().parseFromString(html, "text/html"));
      pages.set(url, fetched);
    }
    return pages.get(url);
  }

  function codeOf(section) {
    const pre = section.querySelector(".code pre");
    if (!pre) return [];
    const code = document.createElement("pre");
    code.textContent = sidelit.dedented(sidelit.textOf(pre));
    return [code];
  }

  // The signature, the heading and the first paragraph; addresses in them are seen from where they stand.
  function headOf(section, address) {
    const docs = [...section.querySelector(".docs").children];
    const parts = docs.filter((part) => part.matches("h1, h2, h3, h4, h5, h6, p")).slice(0, 2);
    const made = [...codeOf(section), ...parts.map((part) => part.cloneNode(true))];
    for (const part of made) {
      for (const each of [part, ...part.querySelectorAll("*")]) {
        for (const name of ["id", "data-s", "data-t", "tabindex"]) each.removeAttribute(name);
        for (const name of ["href", "src"]) {
          if (each.hasAttribute(name)) each.setAttribute(name, new URL(each.getAttribute(name), address).href);
        }
        each.classList.remove("lit", "here");
      }
    }
    return made;
  }

  async function show(link, withLink) {
    const address = new URL(link.href);
    if (address.origin !== location.origin || address.hash.length < 2) return;
    shown = link;
    const page = await Promise.resolve(pageOf(address)).catch(() => null);
    const target = page?.getElementById(decodeURIComponent(address.hash.slice(1)));
    const section = target?.closest(".section");
    if (shown !== link || (!section && !withLink)) return;
    card.replaceChildren(...(section ? headOf(section, address) : []));
    if (withLink) {
      const go = document.createElement("a");
      go.href = link.href;
      go.textContent = `Go to ${link.textContent}`;
      card.append(go);
    }
    link.closest("#container").append(card);
    card.hidden = false;
    place(link);
  }

  function place(link) {
    const around = card.offsetParent.getBoundingClientRect();
    const at = link.getBoundingClientRect();
    const room = document.documentElement.clientWidth - card.offsetWidth - 16;
    const below = at.bottom + 8 + card.offsetHeight < window.innerHeight || at.top < card.offsetHeight + 64;
    card.style.left = `${Math.max(16, Math.min(at.left, room)) - around.left}px`;
    card.style.top = `${(below ? at.bottom + 8 : at.top - 8 - card.offsetHeight) - around.top}px`;
  }

  function hide() {
    clearTimeout(timer);
    shown = null;
    card.hidden = true;
  }

  function soon(link) {
    if (shown === link) return;
    hide();
    timer = setTimeout(show, DELAY, link);
  }

  const linkOf = (target) => target.closest?.("#container .code a[href]");

  document.addEventListener("pointerover", ({ target, pointerType }) => {
    if (pointerType !== "mouse" || card.contains(target)) return;
    const link = linkOf(target);
    if (link) soon(link);
    else if (shown || timer) timer = (clearTimeout(timer), setTimeout(hide, DELAY));
  });
  document.addEventListener("focusin", ({ target }) => {
    if (card.contains(target)) return;
    const link = target.matches(":focus-visible") && linkOf(target);
    if (link) soon(link);
    else hide();
  });
  document.addEventListener("click", (event) => {
    if (card.contains(event.target)) return;
    const link = event.pointerType !== "mouse" && event.detail !== 0 && linkOf(event.target);
    if (!link || link === shown) return hide();
    event.preventDefault();
    hide();
    show(link, true);
  });
  document.addEventListener("keydown", ({ key }) => key === "Escape" && hide());
}
