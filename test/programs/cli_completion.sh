#!/bin/bash
# neap completion: what bash, zsh and fish offer with the scripts. Shells that are not here are
# passed by.
. "$(dirname "$0")/cli_kit.sh"

mkdir "$work/here"
cd "$work/here" || exit 1
touch 'one file.csv' two.svg
mkdir folder
for shell in bash zsh fish; do
    expect 0 completion "$shell"
    cp "$work/out" "$work/neap.$shell"
done
expect 2 completion;            says 'one of these is missing: bash zsh fish'
expect 2 completion tcsh;       says "'tcsh' is none of: bash zsh fish"
expect 2 completion bash zsh;   says "'zsh': completion takes one word"

# Every option that --help shows is in every script, as the shell writes it.
for command in $(commands); do
    expect 0 $command --help
    for option in $(sed -n 's/^  \(-., \|    \)--\([a-z-]*\).*/\2/p' "$work/out"); do
        grep -q -- "--$option" "$work/neap.bash" || complain "bash lacks $command --$option"
        grep -q -- "--$option=*-*\[" "$work/neap.zsh" || complain "zsh lacks $command --$option"
        grep -q -- "__neap_is $command' .*-l $option " "$work/neap.fish" ||
            complain "fish lacks $command --$option"
    done
done

# offers SHELL TEXT WORDS: with TEXT typed, exactly WORDS are offered, or (+WORD) at least those, or
# (-WORD) at least not those.
offers() {
    offered_by_$1 "$2" >"$work/out" 2>"$work/err"
    [ ! -s "$work/err" ] || complain "$1, $2: an error"
    case $3 in
    +*) grep -qxF -- "${3#+}" "$work/out" || complain "$1, $2: ${3#+} is not offered" ;;
    -*) if grep -qxF -- "${3#-}" "$work/out"; then complain "$1, $2: ${3#-} is offered"; fi ;;
    *) [ "$(sort "$work/out" | tr '\n' ' ')" = "${3:+$3 }" ] || complain "$1, $2: not: $3" ;;
    esac
}

# What all three have in common.
offers_all() {
    offers "$1" 'neap ru' 'run'
    offers "$1" 'neap run' 'run'
    offers "$1" 'neap ' '+try'
    offers "$1" 'neap --ver' '--version'
    offers "$1" 'neap run --su' '--summary'
    offers "$1" 'neap run --w' '---with'   # no option of run
    offers "$1" 'neap try --w' '--warm-up --with'
    offers "$1" 'neap run --timeline two' 'two.svg'
    offers "$1" 'neap run -t two' 'two.svg'
    offers "$1" 'neap run --summary --svg tw' 'two.svg'
    offers "$1" 'neap try --with jem' 'jemalloc'
    offers "$1" 'neap metrics --format op' 'openmetrics'
    offers "$1" 'neap try --with tbb,jem' 'tbb,jemalloc'
    offers "$1" 'neap run printen' 'printenv'
    offers "$1" 'neap run -- printen' 'printenv'
    offers "$1" 'neap run --svg a.svg printen' 'printenv'
    offers "$1" 'neap try -n 2 --svg a.svg -w tbb -- printen' 'printenv'
    offers "$1" 'neap run -- cat tw' 'two.svg'
    offers "$1" 'neap run -- cat --su' ''
    offers "$1" 'neap version --j' '--json'
    offers "$1" 'neap completion ' 'bash fish zsh'
    offers "$1" 'neap help exi' 'exit-codes'
    offers "$1" 'neap help r' 'run'
}

# bash: the function is called as bash calls it; "=" separates words.
offered_by_bash() {
    bash --norc --noprofile -c '
        . "$1"
        [ "$(complete -p neap)" = "complete -F _neap neap" ] || echo "not registered" >&2
        text=${2//=/ = }
        read -ra COMP_WORDS <<<"$text"
        case $text in *" ") COMP_WORDS+=("") ;; esac
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _neap
        if [ "${#COMPREPLY[@]}" -gt 0 ]; then printf "%s\n" "${COMPREPLY[@]}"; fi
    ' bash "$work/neap.bash" "$1"
}
offers_all bash
offers bash 'neap run --svg=tw' 'two.svg'
offers bash 'neap run --svg=a printen' 'printenv'
offers bash 'neap try --json=tw' 'two.svg'
offers bash 'neap try --json tw' '-two.svg'
offers bash 'neap run -t ' '+one file.csv'
offers bash 'neap try -n ' ''
offers bash 'neap run folde' 'folder'
offers bash 'neap version ' ''

if command -v fish >/dev/null; then
    offered_by_fish() {
        HOME=$work XDG_CONFIG_HOME=$work XDG_DATA_HOME=$work fish --no-config -c '
            source $argv[1]
            complete -C $argv[2] | string replace -r "\t.*" ""
        ' "$work/neap.fish" "$1"
    }
    offers_all fish
    offers fish 'neap run --svg=tw' '--svg=two.svg'
    offers fish 'neap help --su' ''
    offers fish 'neap try -n ' ''
else
    echo 'fish is not here'
fi

# zsh: a shell of its own at a pseudo terminal; what compadd is given is written down.
if command -v zsh >/dev/null; then
    mkdir "$work/zsh"
    cp "$work/neap.zsh" "$work/zsh/_neap"
    cat >"$work/zsh/ask" <<'ZSH'
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "cd $2; fpath=($1 \$fpath); autoload -Uz compinit; compinit -u -d $1/dump"
zpty -w shell "PS1= RPS1=; zstyle ':completion:*' list-colors; stty -echo; unsetopt zle_bracketed_paste"
zpty -w shell 'compadd() {
    if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return; fi
    local -a __hits; local __before=
    zparseopts -E P:=__p S:=__s p:=__q
    builtin compadd -A __hits "$@"
    builtin compadd "$@"
    local __hit
    for __hit in $__hits; do print -r -- "<${IPREFIX}${__q[2]}${__hit}>" >>'$3'; done
}'
zpty -w shell "ask() { zle complete-word; print end >>$3 }; zle -N ask; bindkey '^I' ask"
zpty -w shell "autoload -Uz _neap; : >$3; print rea''dy"
zpty -r shell line '*ready*'
zpty -w -n shell "$4"$'\t'
until grep -q '^end' $3; do sleep 0.02; done   # what comes in meanwhile would stop it
zpty -d shell
ZSH
    offered_by_zsh() {
        rm -f "$work/hits"
        timeout 20 zsh -f "$work/zsh/ask" "$work/zsh" "$work/here" "$work/hits" "$1" >/dev/null
        sed -n 's/^<\(.*\)>$/\1/p' "$work/hits" | sort -u
    }
    zsh -n "$work/neap.zsh" 2>"$work/err" || complain 'zsh cannot read its script'
    offers_all zsh
else
    echo 'zsh is not here'
fi
finish
