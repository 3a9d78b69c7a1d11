import { acrContract } from "./acr.ts";

acrContract("rbac");
