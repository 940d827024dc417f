import ArgumentParser
import CofferClient

struct EnvCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "env",
        abstract: "Print export lines for a shell in which az and the SDKs speak to Coffer.",
        discussion: "Use it as: eval \"$(coffer env --data DIR)\". The lines hold the administrator's client secret."
    )

    @OptionGroup var data: DataOption

    func run() throws {
        print(try ShellEnvironment(data.directory).exports, terminator: "")
    }
}
