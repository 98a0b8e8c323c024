// What nginx-njs.conf runs.
import qs from "querystring";

function form(r) {
	r.return(200, "Thank you, " + qs.parse(r.requestText).name + ".\n");
}

export default { form };
