// Draws every <figure class="chart"> whose specification (Vega-Lite) stands in it. Vega is loaded when the first one is there. Colours
// come from the style sheet, so charts follow light and dark; expressions are interpreted, never compiled, as the policy demands.

const scripts = document.querySelector('meta[name="chart-scripts"]').content.split(" ");
const dark = matchMedia("(prefers-color-scheme: dark)");
let loading;

const load = (source) => new Promise((done, failed) => {
  const script = document.createElement("script");
  script.src = source;
  script.async = false;
  script.onload = done;
  script.onerror = () => failed(new Error(`${source} cannot be loaded`));
  document.head.append(script);
});

// A custom property is told as it was written; a colour that uses it is told as it is.
const colours = () => {
  const probe = document.createElement("span");
  document.body.append(probe);
  const read = (role) => {
    probe.style.color = "";
    probe.style.color = `var(--chart-${role})`;
    return getComputedStyle(document.documentElement).getPropertyValue(`--chart-${role}`) ? getComputedStyle(probe).color : null;
  };
  return { read, end: () => probe.remove() };
};

const themed = (spec) => {
  const { read, end } = colours();
  const params = (spec.params ?? []).map((param) => {
    const colour = "value" in param ? read(param.name) : null;
    return colour ? { ...param, value: colour } : param;
  });
  end();
  return { ...spec, params };
};

const nothingElse = () => {
  const loader = vega.loader();
  loader.load = () => Promise.reject(new Error("charts load nothing"));
  return loader;
};

const draw = async (figure) => {
  const source = figure.querySelector('script[type="application/json"]');
  const place = figure.querySelector(".drawing");
  if (!source || !place) return;
  figure.chart?.finalize();
  figure.chart = await vegaEmbed(place, themed(JSON.parse(source.textContent)), {
    mode: "vega-lite",
    ast: true,
    actions: false,
    defaultStyle: false,
    renderer: "svg",
    loader: nothingElse(),
    tooltip: { disableDefaultStyle: true, theme: "page" },
  });
  figure.classList.add("drawn");
  // What is drawn of numbers leads to the rows behind them; an address of elsewhere leads nowhere.
  figure.chart.view.addEventListener("click", (event, item) => {
    const address = item?.datum?.href;
    if (typeof address === "string" && /^\/(?!\/)/.test(address)) location.assign(address);
  });
};

const drawAll = async (figures) => {
  if (!figures.length) return;
  loading ??= Promise.all(scripts.map(load));
  await loading;
  for (const figure of figures) {
    try {
      await draw(figure);
    } catch (error) {
      figure.classList.add("not-drawn");
      console.warn("a chart could not be drawn", error);
    }
  }
};

export const drawIn = (element) => {
  const within = [...element.querySelectorAll("figure.chart")];
  return drawAll(element.matches?.("figure.chart") ? [element, ...within] : within);
};

dark.addEventListener("change", () => drawIn(document.body));
