<#
.SYNOPSIS
Collects what plainsight reads about IPsec on this computer: packets, event logs, policy, security
associations, audit policy, clock. Windows 8 and Server 2012 or later (PowerShell 3); run as administrator.

.DESCRIPTION
Changes nothing but what is listed here:
- It starts one capture and stops it again (pktmon, or netsh trace where -UseNetsh is given or
  pktmon cannot capture). Both write one file in the output folder. No filter, provider or
  service is left behind.
- It creates the output folder and its files.
- Windows itself records that the commands ran (for example 4688 and PowerShell's logs), as it does
  for any administrator.
It does not restart services, does not clear or resize logs, does not change audit or IPsec policy and
does not set the clock. It sends nothing to the network but the requests for the time (NTP) to the server
given with -TimeServer, and none without it.

.PARAMETER OutputFolder
A new folder. It must not exist.

.PARAMETER Seconds
How long packets are captured; 0 captures none.

.PARAMETER MaxSizeMB
The most that the capture may take on disk. Older packets are overwritten beyond that.

.PARAMETER TimeServer
A time server to compare the clock with, for example the domain controller.

.PARAMETER UseNetsh
Captures with netsh trace instead of pktmon.

.EXAMPLE
.\collect-windows.ps1 -OutputFolder C:\evidence\WS01 -Seconds 600 -TimeServer dc01.corp.example
#>
#Requires -RunAsAdministrator
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)]
    [string]$OutputFolder,

    [ValidateRange(0, 86400)]
    [int]$Seconds = 300,

    [ValidateRange(10, 10240)]
    [int]$MaxSizeMB = 512,

    [string]$TimeServer,

    [switch]$UseNetsh
)

Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

if (Test-Path -LiteralPath $OutputFolder) {
    throw "'$OutputFolder' exists; name a new folder, so that nothing is overwritten."
}
$folder = (New-Item -ItemType Directory -Path $OutputFolder).FullName
$journal = Join-Path -Path $folder -ChildPath 'collection.txt'

function Write-Journal {
    param([Parameter(Mandatory = $true)][string]$Text)
    $line = '{0} {1}' -f [DateTime]::UtcNow.ToString('yyyy-MM-ddTHH:mm:ss.fffZ'), $Text
    Add-Content -LiteralPath $journal -Value $line -Encoding UTF8
}

# Runs one step. A step that fails is written down, and the others run all the same.
function Invoke-Step {
    param(
        [Parameter(Mandatory = $true)][string]$Name,
        [Parameter(Mandatory = $true)][scriptblock]$Action
    )
    Write-Journal -Text "begin $Name"
    try {
        & $Action
        Write-Journal -Text "end $Name"
    }
    catch {
        Write-Journal -Text "FAILED ${Name}: $($_.Exception.Message)"
    }
}

# Runs a program and keeps what it prints, with its exit code in the journal.
function Invoke-Program {
    param(
        [Parameter(Mandatory = $true)][string]$Program,
        [Parameter(Mandatory = $true)][string[]]$Arguments,
        [string]$OutputFile
    )
    # In Windows PowerShell a line on the error stream would end the step, whatever the exit code.
    $ErrorActionPreference = 'Continue'
    $printed = @(& $Program @Arguments 2>&1 | ForEach-Object { "$_" })
    $code = $LASTEXITCODE
    $ErrorActionPreference = 'Stop'
    if ($OutputFile) {
        Set-Content -LiteralPath $OutputFile -Value $printed -Encoding UTF8
    }
    if ($code -ne 0) {
        throw "$Program ended with $code. $($printed -join ' ')"
    }
}

function Export-Object {
    param(
        [Parameter(Mandatory = $true)][scriptblock]$Source,
        [Parameter(Mandatory = $true)][string]$FileName
    )
    $objects = @(& $Source)
    # Of no object ConvertTo-Json makes no text at all: an empty list says that there was none.
    $json = if ($objects.Count -eq 0) { '[]' } else { $objects | ConvertTo-Json -Depth 4 }
    Set-Content -LiteralPath (Join-Path -Path $folder -ChildPath $FileName) -Value $json -Encoding UTF8
}

# The same twice, before the packets and after them: SAs and connections at two moments.
function Export-State {
    param([Parameter(Mandatory = $true)][string]$Moment)
    Invoke-Step -Name "state of the filtering platform, $Moment" -Action {
        $file = Join-Path -Path $folder -ChildPath "wfpstate-$Moment.xml"
        Invoke-Program -Program 'netsh.exe' -Arguments @('wfp', 'show', 'state', "file=$file")
    }
    Invoke-Step -Name "main mode SAs, $Moment" -Action {
        Export-Object -Source { Get-NetIPsecMainModeSA } -FileName "mainmode-$Moment.json"
    }
    Invoke-Step -Name "quick mode SAs, $Moment" -Action {
        Export-Object -Source { Get-NetIPsecQuickModeSA } -FileName "quickmode-$Moment.json"
    }
}

$names = [System.Net.NetworkInformation.IPGlobalProperties]::GetIPGlobalProperties()
Write-Journal -Text "computer $($names.HostName), domain $($names.DomainName), Windows $([Environment]::OSVersion.Version), time zone $([TimeZoneInfo]::Local.Id), offset $([TimeZoneInfo]::Local.GetUtcOffset([DateTime]::Now))"

Invoke-Step -Name 'addresses' -Action {
    Invoke-Program -Program 'ipconfig.exe' -Arguments @('/all') -OutputFile (Join-Path -Path $folder -ChildPath 'ipconfig.txt')
}

Invoke-Step -Name 'clock' -Action {
    Invoke-Program -Program 'w32tm.exe' -Arguments @('/query', '/status', '/verbose') -OutputFile (Join-Path -Path $folder -ChildPath 'w32tm-status.txt')
}
if ($TimeServer) {
    Invoke-Step -Name "clock against $TimeServer" -Action {
        Invoke-Program -Program 'w32tm.exe' -Arguments @('/stripchart', "/computer:$TimeServer", '/samples:5', '/dataonly') -OutputFile (Join-Path -Path $folder -ChildPath 'w32tm-offset.txt')
    }
}

Invoke-Step -Name 'audit policy' -Action {
    Invoke-Program -Program 'auditpol.exe' -Arguments @('/get', '/category:*', '/r') -OutputFile (Join-Path -Path $folder -ChildPath 'auditpol.csv')
}

# The form that `plainsight policy import` reads.
Invoke-Step -Name 'connection security rules' -Action {
    Export-Object -FileName 'ipsec-rules.json' -Source {
        Get-NetIPsecRule -PolicyStore ActiveStore | ForEach-Object {
            $address = $_ | Get-NetFirewallAddressFilter
            $port = $_ | Get-NetFirewallPortFilter
            $_ | Select-Object -Property DisplayName, Enabled, Profile, Mode, InboundSecurity, OutboundSecurity,
                @{ Name = 'LocalAddress'; Expression = { $address.LocalAddress } },
                @{ Name = 'RemoteAddress'; Expression = { $address.RemoteAddress } },
                @{ Name = 'Protocol'; Expression = { $port.Protocol } },
                @{ Name = 'LocalPort'; Expression = { $port.LocalPort } },
                @{ Name = 'RemotePort'; Expression = { $port.RemotePort } }
        }
    }
}
Invoke-Step -Name 'legacy IPsec policy' -Action {
    Invoke-Program -Program 'netsh.exe' -Arguments @('ipsec', 'dump') -OutputFile (Join-Path -Path $folder -ChildPath 'netsh-ipsec-dump.txt')
}

Export-State -Moment 'before'

if ($Seconds -gt 0) {
    $pktmon = Get-Command -Name 'pktmon.exe' -ErrorAction SilentlyContinue
    $trace = Join-Path -Path $folder -ChildPath 'capture.etl'
    # pktmon captures packets since build 19041 (Windows 10 2004); before that its options were others.
    $hasCapture = $pktmon -and [Environment]::OSVersion.Version.Build -ge 19041
    if ($hasCapture -and -not $UseNetsh) {
        Invoke-Step -Name "capture of $Seconds seconds with pktmon" -Action {
            # Whole packets: by default pktmon keeps 128 bytes, too few to read IKE.
            Invoke-Program -Program 'pktmon.exe' -Arguments @('start', '--capture', '--pkt-size', '0', '--file-name', $trace, '--file-size', "$MaxSizeMB")
            try { Start-Sleep -Seconds $Seconds }
            finally { Invoke-Program -Program 'pktmon.exe' -Arguments @('stop') }
        }
    }
    else {
        Invoke-Step -Name "capture of $Seconds seconds with netsh trace" -Action {
            # report=disabled: no cabinet of further system data is made.
            Invoke-Program -Program 'netsh.exe' -Arguments @('trace', 'start', 'capture=yes', 'provider=Microsoft-Windows-WFP', 'report=disabled', 'correlation=disabled', "tracefile=$trace", "maxsize=$MaxSizeMB", 'overwrite=no')
            try { Start-Sleep -Seconds $Seconds }
            finally { Invoke-Program -Program 'netsh.exe' -Arguments @('trace', 'stop') }
        }
    }
}

Export-State -Moment 'after'

Invoke-Step -Name 'events of the filtering platform' -Action {
    $file = Join-Path -Path $folder -ChildPath 'netevents.xml'
    Invoke-Program -Program 'netsh.exe' -Arguments @('wfp', 'show', 'netevents', "file=$file")
}

# Logs last, so that they cover the packets.
$channels = @(
    'Security',
    'System',
    'Application',
    'Microsoft-Windows-WFP/Operational',
    'Microsoft-Windows-IKE/Operational',
    'Microsoft-Windows-Windows Firewall With Advanced Security/ConnectionSecurity',
    'Microsoft-Windows-Windows Firewall With Advanced Security/Firewall',
    'Microsoft-Windows-Base-Filtering-Engine-Connections/Operational'
)
foreach ($channel in $channels) {
    Invoke-Step -Name "log $channel" -Action {
        $name = $channel.Replace('/', '%4') + '.evtx'
        Invoke-Program -Program 'wevtutil.exe' -Arguments @('export-log', $channel, (Join-Path -Path $folder -ChildPath $name))
    }
}

# By .NET: Get-FileHash came with PowerShell 4, and Windows 8 and Server 2012 have PowerShell 3.
function Get-Sha256 {
    param([Parameter(Mandatory = $true)][string]$Path)
    $algorithm = [System.Security.Cryptography.SHA256]::Create()
    $stream = [System.IO.File]::OpenRead($Path)
    try { [BitConverter]::ToString($algorithm.ComputeHash($stream)).Replace('-', '').ToLowerInvariant() }
    finally {
        $stream.Dispose()
        $algorithm.Dispose()
    }
}

# Not by Invoke-Step: that would change the journal after its hash was taken.
Write-Journal -Text 'end of the collection; hashes follow'
try {
    $files = Get-ChildItem -LiteralPath $folder -File | Sort-Object -Property Name
    $hashes = foreach ($file in $files) {
        '{0}  {1}' -f (Get-Sha256 -Path $file.FullName), $file.Name
    }
    Set-Content -LiteralPath (Join-Path -Path $folder -ChildPath 'sha256.txt') -Value $hashes -Encoding ASCII
}
catch {
    Write-Journal -Text "FAILED hashes: $($_.Exception.Message)"
}
Write-Output "Collected in $folder. Hand over the folder as it is; steps that failed are in collection.txt."
