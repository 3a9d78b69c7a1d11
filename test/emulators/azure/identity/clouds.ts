/** One of Microsoft's clouds, as far as tokens and registries can tell. */
export interface Cloud {
  /** What login servers end with. */
  readonly suffix: string;
  /** Azure Resource Manager; as tokens name it. */
  readonly armAudiences: readonly string[];
}

const CLOUDS: readonly Cloud[] = [
  { suffix: "azurecr.io", armAudiences: ["https://management.azure.com", "https://management.core.windows.net"] },
  {
    suffix: "azurecr.cn",
    armAudiences: ["https://management.chinacloudapi.cn", "https://management.core.chinacloudapi.cn"],
  },
  {
    suffix: "azurecr.us",
    armAudiences: ["https://management.usgovcloudapi.net", "https://management.core.usgovcloudapi.net"],
  },
];

export function cloudOf(suffix: string): Cloud {
  const found = CLOUDS.find((cloud) => cloud.suffix === suffix);
  if (found === undefined) throw new Error(`No cloud of Microsoft's has registries under ${suffix}.`);
  return found;
}
