/** The preview and the colour bar of an image in any palette: one file, which is fetched once, and recoloured here. */

import {colourBarIn, withPalette} from "./png.js";

/**
 * A function that returns the URL of a picture. It is an object URL, which its user revokes. It is the API's link if the
 * file or the palettes could not be fetched or used, and empty if the view has been left.
 * @param {{get: (path: string, options: {signal: AbortSignal}) => Promise<any>}} api
 * @param {NonNullable<ThermalImage["links"]>} links
 * @param {AbortSignal} signal
 * @returns {Promise<(kind: "previews" | "colorbar", palette: string) => string>}
 */
export async function pictureUrls(api, links, signal) {
  const fetched = async () => {
    const [stored] = Object.values(links.previews);
    const response = await fetch(stored.url, {signal});
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  };
  try {
    /** @type {[Page<Palette>, Uint8Array]} */
    const [palettes, previews] = await Promise.all([api.get("/palettes", {signal}), fetched()]);
    const stored = {previews, colorbar: colourBarIn(previews)};
    return (kind, palette) => {
      const colours = palettes.items.find(({name}) => name === palette);
      if (!colours) return links[kind][palette].url;
      try {
        const file = withPalette(stored[kind], colours[kind === "previews" ? "preview_colours" : "colorbar_colours"]);
        return URL.createObjectURL(new Blob([file], {type: "image/png"}));
      } catch {
        return links[kind][palette].url;
      }
    };
  } catch {
    return signal.aborted ? () => "" : (kind, palette) => links[kind][palette].url;
  }
}
