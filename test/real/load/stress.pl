# Hashes, strings, regular expressions, sorting, closures and deep structures; argument: rounds.
# Prints digests, which depend on nothing but the arguments.
use strict;
use warnings;
use Digest::MD5 qw(md5_hex);

my $rounds = shift // 20;
my $seed = 20231;

sub random {   # the same numbers on every machine
    my ($limit) = @_;
    $seed = ($seed * 1103515245 + 12345) % 2147483648;
    return int($seed / 65536) % $limit;
}

sub word {
    my ($letters) = @_;
    return join '', map { chr(97 + random(26)) } 1 .. $letters;
}

# A hash that grows and shrinks, with values of many sizes.
my %table;
for my $round (1 .. $rounds) {
    $table{word(3) . $_} = word(1 + random(12)) x random(40) for 1 .. 5000;
    my @keys = sort keys %table;
    delete @table{grep { random(3) } @keys};
}
my $all = join "\n", map { "$_=$table{$_}" } sort keys %table;
printf "hash %d %s\n", scalar(keys %table), md5_hex($all);

# Strings: appended to, cut, substituted with code.
my $text = '';
for my $round (1 .. $rounds * 200) {
    $text .= word(1 + random(9)) . ' ';
    substr($text, random(length $text), 3) = word(random(7)) if $round % 3 == 0;
}
(my $turned = $text) =~ s/(\w+) (\w+)/"$2-" . ucfirst $1/ge;
my %count;
$count{length $1}++ while $turned =~ /(\w+)/g;
printf "text %d %s %s\n", length $turned, md5_hex($turned),
    join ' ', map { "$_:$count{$_}" } sort { $a <=> $b } keys %count;

# Regular expressions made at run time, with captures and alternatives.
my $hits = 0;
for my $round (1 .. $rounds * 20) {
    my $pattern = join '|', map { word(2) . '(\w*)' . word(1) } 1 .. 20;
    my $compiled = qr/\b(?:$pattern)\b/;
    my @found = $text =~ /$compiled/g;
    $hits += grep { defined } @found;
}
print "matches $hits\n";

# Deep structures, built, copied and thrown away.
sub tree {
    my ($depth) = @_;
    return word(random(30)) if $depth == 0;
    return { map { word(4) => [map { tree($depth - 1) } 1 .. 3] } 1 .. 3 };
}
sub flat {
    my ($node) = @_;
    return $node unless ref $node;
    return '[' . join(',', map { flat($_) } @$node) . ']' if ref $node eq 'ARRAY';
    return '{' . join(',', map { "$_:" . flat($node->{$_}) } sort keys %$node) . '}';
}
for my $round (1 .. $rounds) {
    my $flat = flat(tree(4));
    printf "tree %d %s\n", length $flat, md5_hex($flat);
}

# Sorting with closures; split and join; sprintf; pack.
my @records = map { { name => word(8), size => random(100000) } } 1 .. $rounds * 1000;
my @sorted = sort { $a->{size} <=> $b->{size} || $a->{name} cmp $b->{name} } @records;
my $packed = join '', map { pack 'Z*N', $_->{name}, $_->{size} } @sorted;
printf "sorted %s\n", md5_hex($packed);
my @lines = split /\n/, join "\n", map { sprintf '%08x %-20s', $_->{size}, $_->{name} } @sorted;
printf "lines %d %s\n", scalar(@lines), md5_hex(join '|', reverse @lines);
