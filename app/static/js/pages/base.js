// On every page: the theme switch.
import { startTheme } from "../theme.js";

startTheme();
