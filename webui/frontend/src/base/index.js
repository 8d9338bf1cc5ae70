// Loaded by every page: style, htmx, keyboard, relative times, forms. Pages work without it.
import "bootstrap/dist/css/bootstrap.css";
import "./theme.css";
import "./forms.css";
import "./htmx-settings.js";
import "htmx.org";
import "./keyboard.js";
import "./times.js";
import "./forms.js";
