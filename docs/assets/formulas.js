// Sets the formulas of a page, on its first load and on each one that the site loads without it.
document$.subscribe(() => {
  for (const element of document.querySelectorAll(".arithmatex")) {
    const formula = element.textContent.trim().replace(/^\\[[(]|\\[\])]$/g, "");
    katex.render(formula, element, { displayMode: element.tagName === "DIV", throwOnError: true });
  }
});
