/** Words on the screen: keys of the message catalogue, filled with values. */

import { pageData } from "./page";

export type Values = Readonly<Record<string, string | number>>;
export type Translate = (key: string, values?: Values) => string;

/** A missing key or value is our own bug and raises, as it does on the server. */
export function translator(messages: Readonly<Record<string, string>>): Translate {
  return (key, values = {}) => {
    const text = messages[key];
    if (text === undefined) throw new Error(`no message ${key}`);
    return text.replace(/\{(\w+)\}/g, (_, name: string) => {
      const value = values[name];
      if (value === undefined) throw new Error(`message ${key} needs ${name}`);
      return String(value);
    });
  };
}

let own: Translate | null = null;

/** The page's own words. */
export const t: Translate = (key, values) => {
  own ??= translator(pageData().messages);
  return own(key, values);
};
