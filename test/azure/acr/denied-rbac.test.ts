import { denialTests } from "../support/denials.ts";

denialTests("rbac");
