/** The preview and the colour bar of an image in any palette: the stored files are fetched once, and recoloured here. */

import {withPalette} from "./png.js";

/**
 * A function that returns the URL of a picture. It is an object URL, which its user revokes. It is the API's link if a
 * file or the palettes could not be fetched, and empty if the view has been left.
 * @param {{get: (path: string, options: {signal: AbortSignal}) => Promise<any>}} api
 * @param {NonNullable<ThermalImage["links"]>} links
 * @param {AbortSignal} signal
 * @returns {Promise<(kind: "previews" | "colour_bars", palette: string) => string>}
 */
export async function pictureUrls(api, links, signal) {
  /** @param {Record<string, Link>} byPalette the first leads to the stored file */
  const fetched = async (byPalette) => {
    const response = await fetch(Object.values(byPalette)[0].url, {signal});
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  };
  try {
    /** @type {[Page<Palette>, Uint8Array, Uint8Array]} */
    const [palettes, previews, colour_bars] = await Promise.all([
      api.get("/palettes", {signal}),
      fetched(links.previews),
      fetched(links.colour_bars),
    ]);
    const stored = {previews, colour_bars};
    return (kind, palette) => {
      const colours = palettes.items.find(({name}) => name === palette);
      if (!colours) return links[kind][palette].url;
      const file = withPalette(stored[kind], colours[kind === "previews" ? "preview_colours" : "colour_bar_colours"]);
      return URL.createObjectURL(new Blob([file], {type: "image/png"}));
    };
  } catch {
    return signal.aborted ? () => "" : (kind, palette) => links[kind][palette].url;
  }
}
