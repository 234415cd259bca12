/**
 * Asks this program what may come next. Ours and not the engine's own script, which hands the half-typed line to eval: a `$(…)`
 * in it would run at every Tab.
 */
export const bashScript = `# bash completion for understudy: source <(understudy completion bash)
_understudy() {
  local cur=\${COMP_WORDS[COMP_CWORD]} word line
  local -a words=()
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do words+=("$word"); done
  COMPREPLY=()
  while IFS= read -r line; do
    [[ $line == :* ]] && continue
    line=\${line%%$'\\t'*}
    [[ $line == "$cur"* ]] && COMPREPLY+=("$line")
  done < <(understudy complete -- "\${words[@]}" "$cur" 2>/dev/null)
  ((\${#COMPREPLY[@]})) || compopt -o default
}
complete -F _understudy understudy
`;
