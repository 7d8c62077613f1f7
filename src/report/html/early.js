// Before the first paint: the interactive timeline replaces the still picture.
document.documentElement.classList.add("js");
