/** Storage that is switched off (private windows, some in-app browsers) answers like an empty one. */

type Memory = Pick<Storage, "getItem" | "setItem" | "removeItem">;

export function safeStorage(name: "localStorage" | "sessionStorage"): Memory {
  try {
    const storage = globalThis[name];
    storage.getItem("expo.probe");
    return storage;
  } catch {
    const kept = new Map<string, string>();
    return {
      getItem: (key) => kept.get(key) ?? null,
      setItem: (key, value) => void kept.set(key, value),
      removeItem: (key) => void kept.delete(key),
    };
  }
}
