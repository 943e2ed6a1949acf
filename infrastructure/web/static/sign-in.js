// The link's token stands in the fragment, which never leaves the browser by itself: take it out of the address, post it.
"use strict";
{
  const token = location.hash.slice(1);
  if (token) {
    history.replaceState(null, "", location.pathname);
    const form = document.getElementById("by-link");
    form.elements.token.value = token;
    form.submit();
  }
}
