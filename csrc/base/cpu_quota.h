// How many CPUs' time the process may use: the CPU quota of its control group and of every group above.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace stretto {

// The text of a file, or nothing when it cannot be read.
using ReadFile = std::function<std::optional<std::string>(const std::string& path)>;

// CPUs, such as 1.5; nothing when there is no limit. Versions 1 and 2 of control groups, mixed ones too. A
// pure function of the files.
std::optional<double> cpu_quota(const ReadFile& read);

// The same of this process.
std::optional<double> cpu_quota();

}  // namespace stretto
