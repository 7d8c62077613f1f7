// Before the first paint: long tables begin with their first rows, because the next scripts can show the others.
document.documentElement.classList.add("js");
