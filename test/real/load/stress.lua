-- Tables, strings, patterns, closures, coroutines and collection; argument: rounds.
-- Prints sums, which depend on nothing but the argument.
local rounds = tonumber(arg[1] or 20)
local seed = 4711

local function random(limit)   -- the same numbers on every machine
    seed = (seed * 1103515245 + 12345) % 2147483648
    return (seed // 65536) % limit
end

local function word(letters)
    local out = {}
    for i = 1, letters do out[i] = string.char(97 + random(26)) end
    return table.concat(out)
end

local function digest(text)   -- 64-bit FNV
    local sum = 0xcbf29ce484222325
    for i = 1, #text do sum = (sum ~ text:byte(i)) * 0x100000001b3 end
    return string.format("%016x", sum)
end

-- A table that grows and shrinks.
local words = {}
for round = 1, rounds do
    for i = 1, 4000 do words[word(3) .. i] = word(1 + random(12)):rep(random(30)) end
    local keys = {}
    for key in pairs(words) do keys[#keys + 1] = key end
    table.sort(keys)
    for _, key in ipairs(keys) do
        if random(3) > 0 then words[key] = nil end
    end
end
local keys = {}
for key in pairs(words) do keys[#keys + 1] = key .. "=" .. words[key] end
table.sort(keys)
print("table", #keys, digest(table.concat(keys, "\n")))

-- Strings and patterns.
local text = {}
for i = 1, rounds * 1500 do text[i] = word(1 + random(9)) end
text = table.concat(text, " ")
local turned, n = text:gsub("(%w+) (%w+)", function(a, b) return b .. "-" .. a:upper() end)
print("gsub", n, #turned, digest(turned))
local longest = 0
for found in turned:gmatch("%u+") do longest = math.max(longest, #found) end
print("longest", longest)

-- Closures and coroutines that keep each other alive until collected.
local sum = 0
for round = 1, rounds do
    local workers = {}
    for i = 1, 500 do
        local state = {word(5), round, i}
        workers[i] = coroutine.wrap(function()
            while true do
                state[#state + 1] = word(random(8))
                coroutine.yield(#table.concat(state, ","))
            end
        end)
    end
    for step = 1, 5 do
        for i = 1, #workers do sum = sum + workers[i]() end
    end
    if round % 5 == 0 then collectgarbage() end
end
print("coroutines", sum)

-- Arrays of numbers: one realloc after the other.
local total = 0
for round = 1, rounds do
    local array = {}
    for i = 1, 20000 do array[i] = random(1000) end
    table.sort(array)
    total = total + array[#array // 2] + array[1] + array[#array]
end
print("arrays", total)
