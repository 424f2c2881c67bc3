#!/usr/bin/env python3
"""report.py RESULTS JSON FILES BYTES TOOL...: what bench_irsync.sh measured, as
a table on standard output, as JSON, and as a program for gnuplot beside it.

SPDX-License-Identifier: ISC
Copyright (c) 2026 The backshelf authors
"""
import json
import os
import sys

results, out, files, size = sys.argv[1:5]
tools = sys.argv[5:]
phases = ['first', 'unchanged', 'changed', 'restore']
titles = {'first': 'first push', 'unchanged': 'nothing changed',
          'changed': '1 % changed', 'restore': 'full restore'}


def read(name):
    try:
        with open(os.path.join(results, name)) as f:
            return [int(x) for x in f.read().split()]
    except OSError:
        return None


data = {'files': int(files), 'bytes': int(size), 'phases': {}}
for phase in phases:
    rows = {}
    for tool in tools:
        r = read(f'{phase}.{tool}')
        if r:
            rows[tool] = {'wall_s': r[0] / 1e6, 'cpu_s': r[1] / 100,
                          'memory_mib': r[2] / 1024, 'disk_mib': r[3] / 1024}
    data['phases'][phase] = rows
r = read('overhead')
if r:
    data['overhead_s'] = (r[0] - r[1]) / 1e6
r = read('million')
if r:
    data['memory_million_files_mib'] = r[0] / 1024
with open(out, 'w') as f:
    json.dump(data, f, indent=1)

for phase in phases:
    rows = data['phases'][phase]
    if not rows:
        continue
    print(f'{titles[phase]}, {files} files, {int(size) / 1e9:.1f} GB')
    print(f'  {"":14} {"wall s":>8} {"CPU s":>8} {"memory MiB":>11} '
          f'{"disk MiB":>9} {"ratio":>6}')
    ours = rows.get('irsync', {}).get('wall_s')
    for tool, v in rows.items():
        ratio = f'{v["wall_s"] / ours:.2f}' if ours else '-'
        print(f'  {tool:14} {v["wall_s"]:8.2f} {v["cpu_s"]:8.2f} '
              f'{v["memory_mib"]:11.1f} {v["disk_mib"]:9.0f} {ratio:>6}')
if 'overhead_s' in data:
    print(f'irsync adds {data["overhead_s"]:.2f} s to the rsync that it drives')
if 'memory_million_files_mib' in data:
    print(f'irsync with a million files: '
          f'{data["memory_million_files_mib"]:.1f} MiB')

with open(os.path.join(os.path.dirname(out), 'irsync.gnuplot'), 'w') as f:
    f.write('set terminal pngcairo size 900,500\nset output "irsync.png"\n'
            'set style data histogram\nset style fill solid 0.8 border -1\n'
            'set ylabel "seconds"\nset logscale y\nset key outside\n'
            'set xtics rotate by -20\nset grid y\n$d << EOD\ntool')
    for phase in phases:
        f.write(f' "{titles[phase]}"')
    f.write('\n')
    for tool in tools:
        f.write(tool)
        for phase in phases:
            v = data['phases'][phase].get(tool)
            f.write(f' {v["wall_s"]:.3f}' if v else ' NaN')
        f.write('\n')
    f.write('EOD\nplot for [i=2:5] $d using i:xtic(1) title columnheader(i)\n')
