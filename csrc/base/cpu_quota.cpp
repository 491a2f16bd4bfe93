#include "base/cpu_quota.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <vector>

namespace stretto {
namespace {

// A hierarchy of groups: where it is mounted, what part of it, and the process's group in it.
struct Hierarchy {
  std::string mount, root, group;
  bool version_2;
};

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, separator);) parts.push_back(part);
  return parts;
}

bool contains(const std::vector<std::string>& parts, const char* part) {
  return std::find(parts.begin(), parts.end(), part) != parts.end();
}

// A line of mountinfo: id parent device root mount options... - type source super-options
std::vector<Hierarchy> mounted(const std::string& mountinfo) {
  std::vector<Hierarchy> found;
  for (const std::string& line : split(mountinfo, '\n')) {
    const std::vector<std::string> fields = split(line, ' ');
    const auto dash = std::find(fields.begin(), fields.end(), "-");
    if (dash - fields.begin() < 6 || fields.end() - dash < 4) continue;
    if (dash[1] == "cgroup2")
      found.push_back({fields[4], fields[3], "", true});
    else if (dash[1] == "cgroup" && contains(split(dash[3], ','), "cpu"))
      found.push_back({fields[4], fields[3], "", false});
  }
  return found;
}

// A line of /proc/self/cgroup: id:controllers:path; version 2 has the id 0 and no controllers.
std::string group_in(const std::string& cgroup, bool version_2) {
  for (const std::string& line : split(cgroup, '\n')) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (version_2 ? controllers.empty() : contains(split(controllers, ','), "cpu"))
      return line.substr(second + 1);
  }
  return "";
}

std::optional<double> ratio(const std::string& quota, const std::string& period) {
  std::istringstream a(quota), b(period);
  double used = 0, of = 0;
  if (!(a >> used) || !(b >> of) || used <= 0 || of <= 0) return {};  // "max" and -1: no limit
  return used / of;
}

std::optional<double> quota_of(const std::string& directory, bool version_2, const ReadFile& read) {
  if (version_2) {
    const auto text = read(directory + "/cpu.max");
    if (!text) return {};
    const std::size_t space = text->find(' ');
    return space == std::string::npos ? std::nullopt : ratio(text->substr(0, space), text->substr(space + 1));
  }
  const auto quota = read(directory + "/cpu.cfs_quota_us"), period = read(directory + "/cpu.cfs_period_us");
  return quota && period ? ratio(*quota, *period) : std::nullopt;
}

std::optional<std::string> read_file(const std::string& path) {
  std::ifstream in(path);
  if (!in) return {};
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace

std::optional<double> cpu_quota(const ReadFile& read) {
  const auto mountinfo = read("/proc/self/mountinfo"), cgroup = read("/proc/self/cgroup");
  if (!mountinfo || !cgroup) return {};
  std::optional<double> least;
  for (Hierarchy& hierarchy : mounted(*mountinfo)) {
    // In a container the mount may show only the part below `root`.
    std::string group = group_in(*cgroup, hierarchy.version_2);
    if (hierarchy.root != "/" && group.starts_with(hierarchy.root)) group.erase(0, hierarchy.root.size());
    while (!group.empty() && group.back() == '/') group.pop_back();
    if (group.find("/..") != std::string::npos) group.clear();
    for (;;) {
      const auto quota = quota_of(hierarchy.mount + group, hierarchy.version_2, read);
      if (quota) least = std::min(least.value_or(*quota), *quota);
      if (group.empty()) break;
      group.erase(group.rfind('/'));
    }
  }
  return least;
}

std::optional<double> cpu_quota() { return cpu_quota(read_file); }

}  // namespace stretto
