import { modelProperty } from "./model/property.ts";

modelProperty(300);
