# fish completion for runictl. Goes to /usr/share/fish/vendor_completions.d/runictl.fish. What it offers is what
# `runictl --help` lists, so it fits every version.
function __runictl_command
    for word in (commandline -opc)[2..-1]
        if not string match -q -- '-*' $word
            echo $word
            return 0
        end
    end
    return 1
end

function __runictl_commands
    runictl --help 2>/dev/null | sed -n '/^Commands:/,$s/^  \([a-z]\{1,\}\)  *\(.*\)/\1\t\2/p'
end

function __runictl_options
    runictl (__runictl_command) --help 2>/dev/null | sed -n '/^  -/p' | grep -o -e '--[a-z][a-z-]*' | sort -u
end

function __runictl_handlers
    echo runi
    for file in /etc/runi/runi-*.json
        basename $file .json
    end
end

# Whether the word before the one that is completed is one of these.
function __runictl_after
    contains -- (commandline -opc)[-1] $argv
end

complete -c runictl -f
complete -c runictl -n '__runictl_after --bundle -b --root --proc --prefix --host-root' -a '(__fish_complete_directories)'
complete -c runictl -n '__runictl_after --config --runtime' -F
complete -c runictl -n '__runictl_after --engine' -a 'containerd k3s rke2 k0s microk8s crio docker podman'
complete -c runictl -n '__runictl_after --restart' -a 'systemd signal none'
complete -c runictl -n '__runictl_after --handler' -a '(__runictl_handlers)'
complete -c runictl \
    -n 'not __runictl_command; and not __runictl_after --handler --bundle -b --root --proc --config --engine --restart' \
    -a '(__runictl_commands)'
complete -c runictl -n 'string match -q -- "-*" (commandline -ct)' -a '(__runictl_options)'
