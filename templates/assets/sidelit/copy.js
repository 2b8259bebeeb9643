// What is copied is what was written: code without the numbers of its lines, formulas as TeX.
{
  const icons = {
    copy: "M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z",
    dedent: "M14 3H8m6 5H8m6 5H8M5.5 5.5 3 8l2.5 2.5",
    done: "m3 8.5 3.5 3.5L13 4.5",
  };
  const icon = (name) => `<svg viewBox="0 0 16 16" aria-hidden="true"><path d="${icons[name]}"/></svg>`;

  // ---- A button on each block of code, and one more where the block is indented ----

  function textOf(pre) {
    const copy = pre.cloneNode(true);
    for (const each of copy.querySelectorAll(".lineno, .tools")) each.remove();
    return copy.textContent.replace(/\n$/, "");
  }

  const filled = (text) => text.split("\n").filter((line) => line.trim());
  const indentOf = (text) => Math.min(...filled(text).map((line) => line.search(/\S/)));
  const dedented = (text) => text.split("\n").map((line) => line.slice(indentOf(text))).join("\n");

  // Browsers keep their clipboard from pages that came neither over https nor from this machine.
  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const focused = document.activeElement;
      const box = document.createElement("textarea");
      box.className = "said";
      box.value = text;
      (focused.closest("dialog") || document.body).append(box);
      box.select();
      document.execCommand("copy");
      box.remove();
      focused.focus({ preventScroll: true });
    }
    sidelit.say("Copied");
  }
  Object.assign(sidelit, { copy, textOf, dedented });

  function button(name, label, text) {
    const made = document.createElement("button");
    made.type = "button";
    made.title = label;
    made.setAttribute("aria-label", label);
    made.innerHTML = icon(name);
    made.addEventListener("click", async () => {
      await copy(text());
      made.innerHTML = icon("done");
      setTimeout(() => { made.innerHTML = icon(name); }, 1500);
    });
    return made;
  }

  // Material brings buttons of its own for what stands in `pre > code`, where its site asks for them.
  const theirs = document.querySelector("#__config")?.textContent.includes("content.code.copy");

  function addTools(block) {
    const pre = block.matches("pre") ? block : block.querySelector("pre");
    if (theirs && pre.querySelector(":scope > code")) return;
    const text = () => textOf(pre);
    const tools = document.createElement("div");
    tools.className = "tools";
    if (indentOf(text()) > 0) tools.append(button("dedent", "Copy without the indentation", () => dedented(text())));
    tools.append(button("copy", "Copy", text));

    // The ways elsewhere stand beside the code by themselves; here they get into one row with the buttons.
    tools.append(...block.parentElement.querySelectorAll(":scope > :is(.in-api, .in-repository)"));
    block.prepend(tools);
  }

  // ---- The whole file, fetched before the click: later, some browsers copy nothing ----

  async function fetchFile({ target }) {
    const button = target.querySelector("[data-file]");
    if (!button || location.protocol === "file:") return;
    const answer = await fetch(button.dataset.file).catch(() => null);
    if (!answer?.ok) return;
    const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(await answer.arrayBuffer());
    button.addEventListener("click", () => copy(text));
    button.parentElement.hidden = false;
  }

  sidelit.onPage((container) => {
    container?.querySelectorAll(".highlight, .docs pre:not(.highlight pre)").forEach(addTools);
    container?.querySelector(".take")?.addEventListener("toggle", fetchFile, { once: true });
  });

  // ---- A selection ----

  const tex = "annotation[encoding='application/x-tex']";
  const formulaAt = (node) => (node.parentElement || node).closest("mjx-container");

  document.addEventListener("copy", (event) => {
    const selection = getSelection();
    if (!selection.rangeCount || event.target.closest?.("input, textarea")) return;
    const range = selection.getRangeAt(0).cloneRange();

    // Half a formula is a whole one.
    const [first, last] = [formulaAt(range.startContainer), formulaAt(range.endContainer)];
    if (first) range.setStartBefore(first);
    if (last) range.setEndAfter(last);

    // The copy is laid out where nobody sees it, so that the browser finds its lines, as it does for what is seen.
    const box = document.createElement("div");
    box.append(range.cloneContents());
    const formulas = box.querySelectorAll("mjx-container");
    if (!formulas.length) return;
    for (const each of formulas) {
      const dollars = each.getAttribute("display") === "true" ? "$$" : "$";
      each.replaceWith(`${dollars}${each.querySelector(tex)?.textContent ?? each.textContent}${dollars}`);
    }
    for (const each of box.querySelectorAll(".lineno, .tools, .section-link, .in-repository, .in-api")) each.remove();
    box.className = "laid-out";
    document.querySelector("#container").append(box);
    event.clipboardData.setData("text/plain", box.innerText.trim());
    box.className = "";
    event.clipboardData.setData("text/html", box.innerHTML);
    box.remove();
    event.preventDefault();
  });
}
