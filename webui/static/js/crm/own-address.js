/* A page that answered a form takes the address of what it shows: reloading it must not make another one. */

history.replaceState(history.state, "", document.querySelector("[data-address]").dataset.address);
