import { acrContract } from "./acr.ts";

acrContract("abac");
