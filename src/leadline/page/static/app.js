// What scripts add to pages that work without: menus close by themselves, charts are drawn.

const menus = () => document.querySelectorAll("details.menu[open]");

document.addEventListener("click", (event) => {
  for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false;
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of menus()) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// Lists that can be searched by what their entries say.
const searches = (element) => {
  for (const search of element.querySelectorAll("[data-filter]:not([data-ready])")) {
    search.dataset.ready = "";
    const entries = search.closest("[data-filtered]").querySelectorAll("[data-words]");
    search.hidden = false;
    search.addEventListener("input", () => {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const entry of entries) {
        const text = entry.dataset.words.toLowerCase();
        entry.hidden = !words.every((word) => text.includes(word));
      }
      for (const group of search.closest("[data-filtered]").querySelectorAll("[data-group]")) {
        group.hidden = !group.querySelector("[data-words]:not([hidden])");
      }
    });
  }
};

// Texts that can be copied; without a secure context browsers have no clipboard, and the text is marked instead.
const copies = (element) => {
  for (const button of element.querySelectorAll("[data-copy][hidden]")) {
    const text = button.closest(".copied").querySelector("code");
    button.hidden = false;
    button.addEventListener("click", async () => {
      getSelection().selectAllChildren(text);
      await navigator.clipboard?.writeText(text.textContent).catch(() => {});
    });
  }
};

// What is shown once has the address of another page: loading it again must not do again what made it.
const once = document.querySelector("[data-address]");
if (once) history.replaceState(null, "", once.dataset.address);

const charts = async (element) => {
  if (!element.querySelector?.("figure.chart")) return;
  const { drawIn } = await import(document.querySelector('meta[name="chart-module"]').content);
  await drawIn(element);
};

const prepare = (element) => {
  searches(element);
  copies(element);
  charts(element);
};

prepare(document.body);
// Parts of a page that were swapped in.
document.addEventListener("htmx:afterSettle", (event) => prepare(event.detail.elt));
