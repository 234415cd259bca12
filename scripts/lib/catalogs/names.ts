/** The name in the code of a folder: welcome-email -> welcomeEmail */
export function camelCase(kebab: string): string {
  return kebab.replace(/-([a-z0-9])/gu, (_, letter: string) => letter.toUpperCase());
}

/** The beginning of its variables: amazon-ses -> AMAZON_SES */
export function screaming(kebab: string): string {
  return kebab.replaceAll("-", "_").toUpperCase();
}
