// Before the first paint: the interactive timeline stands in the place of the still one.
document.documentElement.classList.add("js");
