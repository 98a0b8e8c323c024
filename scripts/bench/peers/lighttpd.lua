-- What lighttpd-lua.conf runs.
local r = lighty.r

if r.req_attr["uri.path"] == "/respond" then
	r.resp_body:set({ "Hello, world!\n" })
else
	if not r.req_body.collect then
		return 0 -- it is not whole yet: we are called again
	end
	-- 1.4.69 gives the head of the request along with its body.
	local size = tonumber(r.req_header["Content-Length"])
	local form = lighty.c.urldec_query(r.req_body.get:sub(-size))
	r.resp_body:set({ "Thank you, " .. form["name"] .. ".\n" })
end
r.resp_header["Content-Type"] = "text/plain"
return 200
