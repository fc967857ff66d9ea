# bash completion for runi: runc's own, because runi's command line is runc's. Goes to
# /usr/share/bash-completion/completions/runi. Container ids come from `runc list`. For a runi in front of crun: none.
runi_runc_completion=/usr/share/bash-completion/completions/runc
if [ -r "$runi_runc_completion" ]; then
  # shellcheck disable=SC1090 # runc's package brings it
  . "$runi_runc_completion"
  if declare -F _runc >/dev/null; then complete -F _runc runi; fi
fi
unset runi_runc_completion
