import { doorTests } from "./support/door-tests.ts";

doorTests("rbac");
