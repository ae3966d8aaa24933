// What the charts share: colours of the page, and axes in its manner.
import type uPlot from "uplot";

/** A colour of the page by the name of its property. */
export function colour(name: string): string {
  const probe = document.createElement("i");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const c = getComputedStyle(probe).color;
  probe.remove();
  return c;
}

export const axis = (): uPlot.Axis => ({ stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui" });

/** Keeps a plot as wide as its box and destroys it with it. */
export function keepWidth(box: HTMLElement, height: number, plot: () => uPlot | null): () => void {
  const watch = new ResizeObserver(() => plot()?.setSize({ width: box.clientWidth, height }));
  watch.observe(box);
  return () => {
    watch.disconnect();
    plot()?.destroy();
  };
}
