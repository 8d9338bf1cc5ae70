// Loaded by every page: style, htmx, keyboard, relative times.
import "./theme.css";
