/** All texts of the console. Another language is another module with the same keys. */

export const language = "en";

export const words = {
  product: "Argus",
  loading: "Loading…",
  more: "Show more",
  requestId: (/** @type {string} */ id) => `Request ${id}`,
  pageNotFound: {title: "Page not found", detail: "The console has no page at this URL."},

  signIn: {
    title: "Sign in",
    email: "Email",
    password: "Password",
    newPassword: "Choose a new password",
    newPasswordHint:
      "Your temporary password works only once. Use at least 12 characters, with lower-case and upper-case letters and a digit.",
    code: "Code from your authenticator app",
    submit: "Sign in",
    busy: "Signing in…",
    wrong: "Wrong email or password.",
    rejected: "The sign-in service rejected the request. Try again.",
    unavailable: "The sign-in service is not available",
    unavailableDetail: "Try again in a few minutes.",
    sessionEnded: "Your session has ended. Sign in again.",
    unknownChallenge: (/** @type {string} */ name) => `This account requires ${name}, which the console does not support.`,
    signOut: "Sign out",
  },

  errors: {
    unreachable: "Argus cannot be reached",
    unreachableDetail: "Check your connection and try again.",
    unexpected: "Unexpected response",
    busy: (/** @type {number} */ seconds) => `Argus is busy. Retrying in ${seconds} s…`,
  },

  nav: {images: "Images", scans: "Scans", label: "Main"},

  images: {
    title: "Images",
    empty: "No images yet.",
    emptyHint: "Upload radiometric images from a thermal camera to begin.",
    temperatures: (/** @type {string} */ low, /** @type {string} */ high, /** @type {ImageSummary["pixels"]} */ pixels) =>
      `${pixels?.below_range ? "under " : ""}${low} – ${pixels?.above_range ? "over " : ""}${high}`,
    state: {
      awaiting_upload: "awaiting upload",
      processing: "processing",
      ready: "ready",
      rejected: "rejected",
      deleting: "deleting",
    },
    preview: (/** @type {string} */ name) => `Thermal preview of ${name}`,
  },

  upload: {
    title: "Upload images",
    files: "Radiometric images (JPEG, FFF or 16-bit TIFF)",
    site: "Site",
    sector: "Sector",
    period: "Period",
    submit: "Upload",
    uploading: "uploading",
    failed: "The upload failed. Try again.",
  },

  image: {
    scan: "Scan for hot spots",
    palette: "Palette",
    viewer: "Thermal image. Click a pixel to read its temperature, or move with the arrow keys and press Enter.",
    pick: "Click a pixel in the image to read its temperature.",
    at: (/** @type {number} */ x, /** @type {number} */ y) => `at ${x}, ${y}`,
    noTemperature: "no temperature",
    below: (/** @type {string | null} */ limit) => (limit ? `below ${limit}, out of range` : "too cold for the camera"),
    above: (/** @type {string | null} */ limit) => (limit ? `above ${limit}, out of range` : "too hot for the camera"),
    over: (/** @type {string} */ highest) => `over ${highest}`,
    under: (/** @type {string} */ lowest) => `under ${lowest}`,
    unmeasured: "Not measured",
    pixels: (/** @type {number} */ count, /** @type {string} */ why) => `${count} pixels: ${why}`,
    hatched: "Pixels out of the camera’s range are hatched in the picture, and left out of the statistics.",
    outsideSetRange: (/** @type {number} */ count, /** @type {string} */ range) =>
      `${count} pixels are outside the range to which the camera was set (${range}). They are less exact.`,
    map: "Map",
    reading: "Reading the temperature…",
    legend: (/** @type {string} */ palette) => `Colour scale of the palette ${palette}`,
    accuracy: "Accuracy",
    exact: "exact",
    exactWithin: (/** @type {string} */ error) => `exact, within ${error}`,
    approximate: "approximate",
    approximateWithin: (/** @type {string} */ error) => `approximate, within ${error}`,
    caution:
      "Approximate temperatures can differ from those of the manufacturer’s software. Use them to compare regions of this image.",
    byCamera: (/** @type {string} */ time) => `${time} by the camera’s clock`,
    fromLaser: (/** @type {string} */ distance) => `${distance} (laser)`,
    height: "Height above take-off",
    direction: "Camera direction",
    directions: (/** @type {string} */ yaw, /** @type {string} */ pitch) => `yaw ${yaw}°, pitch ${pitch}°`,
    laser: "Laser distance",
    statistics: "Temperatures",
    minimum: "Minimum",
    maximum: "Maximum",
    mean: "Mean",
    percentiles: "5th–95th percentile",
    camera: "Camera",
    model: "Model",
    lens: "Lens",
    serial: "Serial number",
    taken: "Taken",
    position: "Position",
    size: "Size",
    survey: "Survey",
    emissivity: "Emissivity",
    distance: "Distance",
    reflected: "Reflected temperature",
    humidity: "Relative humidity",
    findings: "Findings",
    files: "Files",
    cog: "Temperatures (Cloud-Optimised GeoTIFF)",
    original: "Original file",
  },

  scans: {
    title: "Scans",
    empty: "No scans yet.",
    emptyHint: "Open an image and scan it for hot spots.",
    state: {queued: "queued", running: "running", succeeded: "succeeded", failed: "failed", cancelled: "cancelled"},
    when: "Requested",
    progress: "Progress of the scan",
    openImage: "Open the image",
    none: "no findings",
  },

  findings: {
    none: "No findings.",
    severity: "Severity",
    title: "Finding",
    status: "Status",
    rise: "ΔT",
    peak: "Peak",
    area: "Area",
    levels: {critical: "critical", high: "high", medium: "medium", low: "low", info: "info"},
    states: {
      new: "new",
      unchanged: "unchanged",
      regressed: "regressed",
      fixed: "fixed",
      not_tested: "not tested",
    },
  },

  reports: {
    title: "Report",
    formats: {pdf: "PDF", csv: "CSV", json: "JSON", geojson: "GeoJSON"},
    creating: (/** @type {string} */ format) => `Creating the ${format} report…`,
    ready: (/** @type {string} */ format) => `Open the ${format} report`,
    failed: "The report could not be created",
  },
};

/** The text for a value of the API. A value that this console does not know is shown as it is. */
export const wordFor = (/** @type {Record<string, string>} */ table, /** @type {string} */ value) =>
  Object.hasOwn(table, value) ? table[value] : value.replaceAll("_", " ");
