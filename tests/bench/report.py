#!/usr/bin/env python3
"""report.py RESULTS FOLDER FILES BYTES TOOL...: what bench_irsync.sh measured, as
a table on standard output; as JSON and as a program for gnuplot in the folder.

SPDX-License-Identifier: ISC
Copyright (c) 2026 The backshelf authors
"""
import json
import os
import sys

results, folder, files, size = sys.argv[1:5]
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
            rows[tool] = {'wall_s': r[0] / 1e6, 'synced_s': r[4] / 1e6,
                          'cpu_s': r[1] / 1e6, 'memory_mib': r[2] / 1024,
                          'disk_mib': r[3] / 1024}
    data['phases'][phase] = rows
r = read('overhead')
if r:
    data['overhead_s'] = (r[0] - r[1]) / 1e6
r = read('million')
if r:
    data['memory_million_files_mib'] = r[0] / 1024
with open(os.path.join(folder, 'irsync.json'), 'w') as f:
    json.dump(data, f, indent=1)

for phase in phases:
    rows = data['phases'][phase]
    if not rows:
        continue
    print(f'{titles[phase]}, {files} files, {int(size) / 1e9:.1f} GB')
    print(f'  {"":14} {"wall s":>8} {"on disk s":>10} {"CPU s":>8} '
          f'{"memory MiB":>11} {"disk MiB":>9}')
    for tool, v in rows.items():
        print(f'  {tool:14} {v["wall_s"]:8.2f} {v["synced_s"]:10.2f} '
              f'{v["cpu_s"]:8.2f} {v["memory_mib"]:11.1f} '
              f'{v["disk_mib"]:9.0f}')
if 'overhead_s' in data:
    print(f'irsync adds {data["overhead_s"]:.2f} s to the rsync that it drives')
if 'memory_million_files_mib' in data:
    print(f'irsync with a million files: '
          f'{data["memory_million_files_mib"]:.1f} MiB')

with open(os.path.join(folder, 'irsync.gnuplot'), 'w') as f:
    f.write('set terminal svg size 900,420 font "sans,12" background "white"\n'
            'set output "irsync.svg"\nset style data histogram\n'
            'set style fill solid 0.8 border -1\nset grid y\n'
            'set key outside top center horizontal\n$d << EOD\ntool')
    for phase in phases:
        f.write(f' "{titles[phase]}"')
    for phase in phases:
        f.write(f' "{titles[phase]}"')
    f.write('\n')
    for tool in tools:
        if not any(tool in data['phases'][phase] for phase in phases):
            continue
        f.write(tool)
        for key in 'synced_s', 'cpu_s':
            for phase in phases:
                v = data['phases'][phase].get(tool)
                f.write(f' {v[key]:.3f}' if v else ' NaN')
        f.write('\n')
    f.write('EOD\nset multiplot layout 1,2\nset xtics rotate by -40\n'
            'set logscale y\nset title "seconds, until it is on the disk"\n'
            'plot for [i=2:5] $d using i:xtic(1) title columnheader(i)\n'
            'set title "seconds of processor time, both sides"\n'
            'plot for [i=6:9] $d using i:xtic(1) notitle\n')
