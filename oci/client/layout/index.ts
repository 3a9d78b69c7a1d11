export { LayoutError } from "./error.ts";
export { sampleImage } from "./sample.ts";
export { chooseImage, layoutOf, openLayout } from "./source.ts";
export { createLayout } from "./target.ts";
export { type Place, type Progress, pullLayout, pushLayout, type Transferred } from "./transfer.ts";
