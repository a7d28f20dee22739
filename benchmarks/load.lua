-- wrk ... -s load.lua URL -- RUN METHOD PATH KEY_HEADER BODY_FILE [NAME VALUE]...
-- Each request has a new value of KEY_HEADER, unless KEY_HEADER is empty. In the body, <NUMBER> and
-- <VALUE> are replaced as `bodies.written` does it. The last line of the output is JSON.
local run, method, path, key_header, body
local headers = {}
local pieces = {} -- of the body; a mark is at each even index
local number = 0
local same

function init(args)
   run, method, path, key_header = args[1], args[2], args[3], args[4]
   local file = io.open(args[5], "rb")
   body = file:read("*a")
   file:close()
   for place = 6, #args, 2 do
      headers[args[place]] = args[place + 1]
   end
   local start = 1
   for from, mark, to in body:gmatch("()<(%u+)>()") do
      table.insert(pieces, body:sub(start, from - 1))
      table.insert(pieces, mark)
      start = to
   end
   table.insert(pieces, body:sub(start))
   if key_header == "" and #pieces == 1 then
      same = wrk.format(method, path, headers, body ~= "" and body or nil)
   end
end

local function written(name)
   local parts, values = {}, 0
   for index, piece in ipairs(pieces) do
      if index % 2 == 1 then
         parts[index] = piece
      elseif piece == "NUMBER" then
         parts[index] = name
      else
         values = values + 1
         local cents = 1000 + (number * 7919 + values * 613) % 9000
         parts[index] = string.format("%d.%02d", math.floor(cents / 100), cents % 100)
      end
   end
   return table.concat(parts)
end

function request()
   if same then
      return same
   end
   number = number + 1
   local name = run .. "-" .. number
   if key_header ~= "" then
      headers[key_header] = name
   end
   return wrk.format(method, path, headers, #pieces > 1 and written(name) or body)
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      '{"requests": %d, "seconds": %.6f, "p50": %.6f, "p99": %.6f, '
         .. '"refused": %d, "broken": %d}\n',
      summary.requests, summary.duration / 1e6,
      latency:percentile(50) / 1e6, latency:percentile(99) / 1e6,
      errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
