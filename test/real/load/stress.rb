# Hashes, strings, regular expressions, Struct, Marshal, JSON, threads, fork and compaction;
# argument: rounds. Prints digests, which depend on nothing but the argument.
require 'digest'
require 'json'
require 'zlib'

$numbers = Random.new(20231)

def word(letters)
  Array.new(letters) { (97 + $numbers.rand(26)).chr }.join
end

def show(what, data)
  puts "#{what} #{data.size} #{Digest::MD5.hexdigest(data)}"
end

Item = Struct.new(:name, :size, :parts)

def items(count)
  Array.new(count) { Item.new(word(8), $numbers.rand(1000), Array.new(5) { word(3) }) }
end

def serialise
  list = items(5000)
  text = JSON.generate(list.map(&:to_h))
  show 'json', text
  raise 'JSON differs' unless JSON.parse(text).size == list.size
  data = Marshal.dump(list)
  show 'marshal', data
  raise 'Marshal differs' unless Marshal.load(data) == list
  packed = Zlib::Deflate.deflate(data, 6)
  show 'deflate', packed
  raise 'deflate differs' unless Zlib::Inflate.inflate(packed) == data
end

def strings
  text = +''
  20_000.times { |i| text << word(1 + $numbers.rand(9)) << (i % 7 == 0 ? "\n" : ' ') }
  show 'gsub', text.gsub(/(\w+) (\w+)/) { "#{$2.upcase}-#{$1}" }
  show 'split', text.split(/[aeiou]/).map(&:reverse).join(',')
  show 'lines', text.lines.sort_by { |line| [line.size, line] }.join
  show 'unicode', text[0, 20_000].tr('aeiou', 'äëïöü').unicode_normalize(:nfd)
end

def tables
  table = Hash.new { |hash, key| hash[key] = [] }
  40_000.times do |i|
    table[word(3)] << i
    table.delete(word(3)) if i % 4 == 0
  end
  show 'hash', table.sort.inspect
  show 'integer', (7**20_000 / 3**12_000).to_s
end

def together
  seeds = (1..4).map { |n| Random.new(n) }
  sums = seeds.map { |r| Thread.new { Digest::MD5.hexdigest(Zlib.gzip(r.bytes(200_000))[10..]) } }
  show 'threads', sums.map(&:value).join(' ')
  parts = Array.new(3) do |n|
    reader, writer = IO.pipe
    pid = fork do
      reader.close
      writer.write(Digest::MD5.hexdigest((1..50_000).map { |i| (i * n).to_s(36) }.join))
      writer.close
      exit!(0)
    end
    writer.close
    sum = reader.read
    Process.wait(pid)
    raise 'child failed' unless $?.success?
    sum
  end
  show 'processes', parts.join(' ')
end

ARGV[0].to_i.times do
  serialise
  strings
  tables
  together
  GC.start
  GC.compact if GC.respond_to?(:compact)
end
