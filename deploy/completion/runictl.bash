# bash completion for runictl. Goes to /usr/share/bash-completion/completions/runictl. What it offers is what
# `runictl --help` lists, so it fits every version.
_runictl() {
  local word=${COMP_WORDS[COMP_CWORD]} command='' help i
  case ${COMP_WORDS[COMP_CWORD - 1]} in
    --bundle | -b | --root | --proc | --prefix | --host-root)
      mapfile -t COMPREPLY < <(compgen -d -- "$word")
      compopt -o filenames 2>/dev/null
      return ;;
    --config | --runtime)
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      compopt -o filenames 2>/dev/null
      return ;;
    --engine)
      mapfile -t COMPREPLY < <(compgen -W "containerd k3s rke2 k0s microk8s crio docker podman" -- "$word")
      return ;;
    --restart)
      mapfile -t COMPREPLY < <(compgen -W "systemd signal none" -- "$word")
      return ;;
    --handler)
      mapfile -t COMPREPLY < <(compgen -W "runi $(cd /etc/runi 2>/dev/null && printf '%s\n' runi-*.json | sed -n 's/\.json$//p')" -- "$word")
      return ;;
  esac
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
      -*) ;;
      *) command=${COMP_WORDS[i]}; break ;;
    esac
  done
  help=$(runictl ${command:+"$command"} --help 2>/dev/null)
  if [ -z "$command" ] && [[ $word != -* ]]; then
    help=$(sed -n '/^Commands:/,$s/^  \([a-z]\{1,\}\).*/\1/p' <<<"$help")
  else
    help=$(sed -n '/^  -/p' <<<"$help" | grep -o -e '--[a-z][a-z-]*' | sort -u)
  fi
  mapfile -t COMPREPLY < <(compgen -W "$help" -- "$word")
}
complete -F _runictl runictl
