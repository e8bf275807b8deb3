import "./page.client.js";
import "./live.client.js";
import "./ask.client.js";
