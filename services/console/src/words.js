/** Every word the console shows. Another language is another module with these names. */

export const language = "en";

export const words = {
  product: "Argus",
  loading: "Loading…",
  more: "Show more",
  back: "Back",
  requestId: (/** @type {string} */ id) => `Request ${id}`,
  nowhere: {title: "There is no such page", detail: "The address leads nowhere in the console."},

  signIn: {
    title: "Sign in",
    email: "E-mail",
    password: "Password",
    newPassword: "Choose a new password",
    newPasswordHint: "The one you were given works only once. 12 characters or more, with small and capital letters and a digit.",
    code: "Code from your authenticator app",
    submit: "Sign in",
    busy: "Signing in…",
    wrong: "Wrong e-mail or password.",
    failed: "The sign-in service did not accept this.",
    later: "The sign-in service is busy or out of order",
    over: "Your session has ended. Please sign in again.",
    unknownChallenge: (/** @type {string} */ name) => `This account asks for ${name}, which the console does not know.`,
    out: "Sign out",
  },

  errors: {
    unreachable: "Argus cannot be reached",
    unreachableDetail: "Check your connection and try again.",
    unexpected: "Unexpected answer",
    busy: (/** @type {number} */ seconds) => `Argus is busy; trying again in ${seconds} s…`,
  },

  nav: {images: "Images", scans: "Scans", label: "Main"},

  images: {
    title: "Images",
    empty: "No images yet.",
    emptyHint: "Upload radiometric images from a thermal camera to begin.",
    state: {
      awaiting_upload: "waiting for its file",
      processing: "being read",
      ready: "ready",
      rejected: "rejected",
      deleting: "being removed",
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
    sending: "sending",
    failed: "The file did not arrive; try it again.",
  },

  image: {
    scan: "Scan for hot spots",
    palette: "Palette",
    viewer: "Thermal picture. Click a place to read its temperature, or move with the arrow keys and press Enter.",
    pick: "Click a place in the picture to read its temperature.",
    at: (/** @type {number} */ x, /** @type {number} */ y) => `at ${x}, ${y}`,
    noTemperature: "no temperature here",
    reading: "reading…",
    legend: (/** @type {string} */ palette) => `Temperatures of the palette ${palette}`,
    approximate: "Approximate: this camera's file does not say all that an exact temperature needs.",
    statistics: "Temperatures",
    minimum: "Lowest",
    maximum: "Highest",
    mean: "Mean",
    percentiles: "5–95 %",
    camera: "Camera",
    model: "Model",
    lens: "Lens",
    serial: "Serial",
    taken: "Taken",
    position: "Position",
    size: "Size",
    survey: "Survey",
    emissivity: "Emissivity",
    distance: "Distance",
    reflected: "Reflected",
    humidity: "Humidity",
    findings: "Findings",
    files: "Files",
    cog: "Temperatures (Cloud-Optimised GeoTIFF)",
    original: "Original file",
  },

  scans: {
    title: "Scans",
    empty: "No scans yet.",
    emptyHint: "Open an image and scan it for hot spots.",
    target: "Image",
    found: "Found",
    state: {queued: "queued", running: "running", succeeded: "done", failed: "failed", cancelled: "cancelled"},
    when: "Requested",
    progress: "Progress of the scan",
    openImage: "Open the image",
    none: "nothing",
  },

  findings: {
    none: "Nothing stands out.",
    severity: "Severity",
    what: "Finding",
    status: "Status",
    rise: "ΔT",
    peak: "Peak",
    area: "Area",
    levels: {critical: "critical", high: "high", medium: "medium", low: "low", info: "info"},
    states: {
      new: "new",
      unchanged: "unchanged",
      regressed: "back again",
      fixed: "fixed",
      not_tested: "not tested",
    },
  },

  reports: {
    title: "Report",
    formats: {pdf: "PDF", csv: "CSV", json: "JSON", geojson: "GeoJSON"},
    making: (/** @type {string} */ format) => `Making the ${format} report…`,
    ready: (/** @type {string} */ format) => `Open the ${format} report`,
    failed: "The report could not be made",
  },
};

/** The word for a value of the wire; a value newer than this console is shown as it is. */
export const wordFor = (/** @type {Record<string, string>} */ table, /** @type {string} */ value) =>
  Object.hasOwn(table, value) ? table[value] : value.replaceAll("_", " ");
