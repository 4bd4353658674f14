/** Links to a product open it in the list: `#product-<slug>` names a `<details>`. */

export function productLinks(): void {
  const open = () => {
    const product = location.hash.startsWith("#product-") ? document.getElementById(location.hash.slice(1)) : null;
    if (!(product instanceof HTMLDetailsElement)) return;
    document.querySelector<HTMLElement>('[role="tab"][aria-controls="products"]')?.click();
    product.open = true;
    product.querySelector("summary")?.focus({ preventScroll: true });
    product.scrollIntoView({ block: "nearest" });
  };
  window.addEventListener("hashchange", open);
  document.addEventListener("click", (event) => {
    const link = (event.target as Element).closest<HTMLAnchorElement>('a[href^="#product-"]');
    // The same address again fires no hashchange.
    if (link !== null && link.hash === location.hash) open();
  });
  open();
}
