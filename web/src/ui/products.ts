/** Links to a product open it in the list: `#product-<slug>` names a `<details>`. */

export function productLinks(): void {
  // A desk has room for one product's facts beside the picture: the one on show, else the first.
  if (matchMedia("(min-width: 900px) and (min-height: 700px)").matches) {
    const pinned = document.querySelector<HTMLDetailsElement>(".product[data-pinned]");
    const shown = pinned ?? document.querySelector<HTMLDetailsElement>(".product");
    if (shown !== null) shown.open = true;
  }
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
