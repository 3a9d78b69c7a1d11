/** The variable that binds a registry: `my-images` is bound by `ALIEN_MY_IMAGES_BINDING`. */
export function bindingVariable(name: string): string {
  return `ALIEN_${name.replaceAll("-", "_").toUpperCase()}_BINDING`;
}
