/** Values of the API as text. */

import {language, words} from "./words.js";

const oneDecimal = new Intl.NumberFormat(language, {minimumFractionDigits: 1, maximumFractionDigits: 1});
const twoDecimals = new Intl.NumberFormat(language, {maximumFractionDigits: 2});
const moment = new Intl.DateTimeFormat(language, {dateStyle: "medium", timeStyle: "short"});

/** @param {number | null | undefined} value */
export const celsius = (value) => (value == null ? "–" : `${oneDecimal.format(value)} °C`);

/** @param {number | null | undefined} value */
export const number = (value) => (value == null ? "–" : twoDecimals.format(value));

/** @param {string | null} timestamp RFC 3339, shown in the reader's time zone */
export const when = (timestamp) => (timestamp ? moment.format(new Date(timestamp)) : "–");

/** @param {number} bytes */
export function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1024 ** 2 ? `${Math.round(bytes / 1024)} KiB` : `${oneDecimal.format(bytes / 1024 ** 2)} MiB`;
}

/** `2 critical, 1 low`: non-zero counts, most severe first. @param {Record<string, number>} counts */
export function counts(counts) {
  const parts = Object.entries(words.findings.levels)
    .filter(([level]) => counts[level])
    .map(([level, word]) => `${counts[level]} ${word}`);
  return parts.join(", ") || words.scans.none;
}

/** The id of a resource in Argus, or the name of an external target. @param {Target} target */
export const targetName = ({id, value}) => id ?? value ?? "";

/** The levels of a survey that are set, from the largest to the smallest. @param {ImageSummary["survey"]} survey */
export const survey = ({site, sector, pad, period}) => [site, sector, pad, period].filter(Boolean).join(" · ");
