// Asks for the page again, without the key in the address and with the state behind the #.
location.replace("/" + location.hash);
