import { modelProperty } from "./model/property.ts";

modelProperty(10_000);
